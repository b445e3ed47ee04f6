"""What trained networks do, measured and drawn; tools/analysis/ runs it."""
