"""What a directory says: readers that never execute, import or follow anything out of a checkpoint."""
