"""Which fields of Google's resources are kept, refused or without effect here: found out by sending each of them."""
