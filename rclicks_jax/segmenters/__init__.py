"""What answers a click with a mask: in this process, or in a worker's."""
