"""The Go module of a cluster's programs, and what builds it."""
