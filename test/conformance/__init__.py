"""The official conformance suite of the Gateway API as the judge of Sluice."""
