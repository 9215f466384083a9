"""WHERE: lines, stations and what they say of themselves."""
