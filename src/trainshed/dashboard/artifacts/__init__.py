"""What work leaves behind: buckets and their objects."""
