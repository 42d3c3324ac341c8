"""The SAM 2 network: nn.Modules only, tensors in, typed results out. One file per box of the paper's diagram."""
