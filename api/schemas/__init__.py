"""What the API takes and shows, one file a resource."""
