"""What the department says: posts, approval, publishing."""
