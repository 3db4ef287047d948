"""Small tools without a word of the domain: ids, clocks, batching, signing, HTTP in and out."""
