"""What is printed to be scanned: serials, reels, badges, stations, slots, control sheets; on paper and in ZPL."""
