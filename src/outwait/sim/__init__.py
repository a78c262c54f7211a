"""The world on the wire: a carrier, a model server and the people at the far end, for tests and the demo.

It knows nothing of the program it surrounds: it speaks Twilio's and OpenAI's wires from an independent reading of them.
`Stage` puts both simulators around one program; `scenario.load` gives the world's script.
"""
