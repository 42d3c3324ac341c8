"""Memory attention: the current frame looks at itself and at its memories (SAM 2 section 4)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from sam2_demo.network.attention import RotaryAttention
from sam2_demo.network.config import NetworkConfig
from sam2_demo.network.layers import in_compute_type
from sam2_demo.network.outputs import MemoryTokens
from sam2_demo.network.pooled_attention import PooledRotaryAttention
from sam2_demo.network.position_encoding import sine_map

_INPUT_POSITION_SCALE = 0.1


def _memory_look(config: NetworkConfig) -> RotaryAttention:
    if config.memory_pooling != "none":
        return PooledRotaryAttention(config.hidden_dim, config.memory_dim, config.memory_pooling)
    return RotaryAttention(config.hidden_dim, config.memory_dim, config.resampler)


class MemoryAttentionLayer(nn.Module):
    """Pre-norm layer: rotary self-attention, rotary attention to memory, MLP."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        dim, mlp_dim = config.hidden_dim, config.memory_attention_mlp_dim
        self.self_attn = RotaryAttention(dim)
        self.cross_attn_image = _memory_look(config)
        self.linear1 = nn.Linear(dim, mlp_dim)
        self.linear2 = nn.Linear(mlp_dim, dim)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.dropout = nn.Dropout(config.memory_attention_dropout)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, size: tuple[int, int], num_plain_keys: int) -> Tensor:
        """x (B, H*W, C), or one row for all, and memory (B, N, memory_dim) -> (B, H*W, C); `size` is (H, W)."""
        y = in_compute_type(self.norm1(x))
        x = x + self.dropout(self.self_attn(y, y, y, size))
        y = self.cross_attn_image(self.norm2(x), keys, values, size, num_plain_keys)
        x = x + self.dropout(y)
        y = self.linear2(self.dropout(F.relu(self.linear1(self.norm3(x)), inplace=True)))
        return x + self.dropout(y)


class MemoryAttention(nn.Module):
    """Conditions the frame's embedding on memories and object pointers."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(MemoryAttentionLayer(config) for _ in range(config.memory_attention_layers))
        self.norm = nn.LayerNorm(config.hidden_dim)

    def forward(self, features: Tensor, memory: MemoryTokens) -> Tensor:
        """features (B, C, h, w), memory tokens (B, N, memory_dim) -> (B, C, h, w)."""
        _, channels, height, width = features.shape
        position = sine_map(height, width, channels, features.device)
        # Rows of one picture: what the first layer sees before memory is the same for all objects.
        rows = features[:1] if features.stride(0) == 0 else features
        x = (rows + _INPUT_POSITION_SCALE * position).flatten(2).transpose(1, 2)
        x = x.contiguous()  # (1 or B, h*w, C); strided, every sum below takes eight times as long
        keys, values = in_compute_type(memory.tokens + memory.position), in_compute_type(memory.tokens)
        for layer in self.layers:
            x = layer(x, keys, values, (height, width), memory.num_pointer_tokens)
        return self.norm(x).transpose(1, 2).unflatten(2, (height, width))
