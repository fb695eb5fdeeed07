"""What end-to-end tests, the demo and the benchmarks share: processes, ports, backends, load and a running Sluice."""
