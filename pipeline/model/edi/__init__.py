"""What EDI messages are made of, as data: segments, elements, and the order in which they stand."""
