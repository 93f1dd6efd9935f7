"""Which numbers to compute in."""


def resolve_precision(precision: str, accelerator: str) -> str:
    """``auto`` in Lightning's words: bf16 where the hardware computes in it, else float32."""
    if precision != "auto":
        return precision
    import torch

    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16-mixed" if supported() else "32-true"
