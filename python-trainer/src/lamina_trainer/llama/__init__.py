"""llama.cpp: its tools built once per machine, models converted, quantized, measured and run with them."""
