"""What only makes tracking fast: batches, frames ahead of their turn, work side by side, warming up."""
