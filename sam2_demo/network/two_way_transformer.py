"""Two-way transformer: tokens and picture attend to each other (SAM, appendix A)."""

from __future__ import annotations

from torch import Tensor, nn

from sam2_demo.network.attention import Attention
from sam2_demo.network.layers import MLP


class TwoWayBlock(nn.Module):
    """Self-attention of tokens, tokens to picture, token MLP, picture to tokens."""

    def __init__(self, dim: int, num_heads: int, mlp_dim: int, is_first: bool) -> None:
        super().__init__()
        self.is_first = is_first
        self.self_attn = Attention(dim, num_heads)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, num_heads, downsample=2)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP((dim, mlp_dim, dim))
        self.norm3 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, num_heads, downsample=2)
        self.norm4 = nn.LayerNorm(dim)

    def forward(self, tokens: Tensor, picture: Tensor, token_pos: Tensor, picture_pos: Tensor) -> tuple[Tensor, Tensor]:
        """tokens, token_pos (B, N, dim); picture, picture_pos (B, H*W, dim) -> tokens, picture."""
        if self.is_first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_pos
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)
        placed_picture = picture + picture_pos
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + token_pos, placed_picture, picture))
        tokens = self.norm3(tokens + self.mlp(tokens))
        update = self.cross_attn_image_to_token(placed_picture, tokens + token_pos, tokens)
        return tokens, self.norm4(picture + update)


class TwoWayTransformer(nn.Module):
    """`depth` two-way blocks and a last look of the tokens at the picture."""

    def __init__(self, dim: int, num_heads: int, mlp_dim: int, depth: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(dim, num_heads, mlp_dim, is_first=i == 0) for i in range(depth))
        self.final_attn_token_to_image = Attention(dim, num_heads, downsample=2)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(self, picture: Tensor, picture_pos: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """picture, picture_pos (B, H*W, dim), tokens (B, N, dim) -> tokens, picture of the same shapes."""
        token_pos = tokens
        for layer in self.layers:
            tokens, picture = layer(tokens, picture, token_pos, picture_pos)
        update = self.final_attn_token_to_image(tokens + token_pos, picture + picture_pos, picture)
        return self.norm_final_attn(tokens + update), picture
