"""The figures, one module each: plain data in, a matplotlib figure out, nothing read or written.

`style` has what they share: fonts, colours, how a name is shown, and how a figure is saved.
"""
