"""What people say of pictures: kept as they said it, to learn from with the pictures, to judge results by."""
