"""DNS messages: bytes to questions, answers to bytes."""
