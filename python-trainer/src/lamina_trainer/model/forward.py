"""The forward pass of a trial as one module: sharding and replication over processes hook into its call."""

from typing import Any

from torch import Tensor, nn

from lamina_trainer.model.chunked_cross_entropy import find_head, score, summed_loss
from lamina_trainer.model.loading import LoadedModel


class ForwardPass(nn.Module):
    """Everything that needs the model's weights happens inside `forward`."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__()
        self.causal = loaded.causal
        self._decoder = (loaded.decoder,)  # not a second registration

    def forward(self, ids: Tensor, counted: Tensor, *, scores: bool) -> Any:
        """The summed loss of the tokens that count; with `scores`, of each its loss and whether it was right.

        `ids` is [sequences, length], `counted` [sequences, length - 1]: of each token but the first, whether its
        prediction counts. Others cost no product with the head.
        """
        targets = ids[:, 1:][counted]
        head = find_head(self.causal)
        if head is not None:
            hidden = self._decoder[0](input_ids=ids, use_cache=False).last_hidden_state[:, :-1][counted]
            return score(head, hidden, targets) if scores else summed_loss(head, hidden, targets)
        logits = self.causal(input_ids=ids, use_cache=False).logits[:, :-1][counted].float()
        if not scores:
            return nn.functional.cross_entropy(logits, targets, reduction="sum")
        return nn.functional.cross_entropy(logits, targets, reduction="none"), logits.argmax(dim=-1) == targets
