"""What starts work, and what became of it: schedules, topics, receipts."""
