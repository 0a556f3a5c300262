"""What training samples are drawn from, and how they are spoilt."""
