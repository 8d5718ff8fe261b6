"""What annotation tools write: a file a tool."""
