"""Benchmarks: this product and the reference it is compared with, in the same run on the same machine.

A benchmark is a module of this package with a function `measure(place, scale) -> list[Figure]`. It brings its own
servers (`app.bench.servers`), so that nothing it does touches the product's data.
"""
