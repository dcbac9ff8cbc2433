"""What the pipeline's tasks share. Baked into the image, so that a change here is a new image."""
