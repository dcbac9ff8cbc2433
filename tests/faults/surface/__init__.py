"""Broken requests against everything that listens: Google's RPCs by gRPC and REST, storage and our own routes."""
