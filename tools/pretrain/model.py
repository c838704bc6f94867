"""The two networks of ELECTRA (Clark et al. 2020) on shared embeddings.

Modules have the names of Hugging Face's ELECTRA, so that a state dictionary is nearly
the file.  Post-LN encoder layers; texts fill their rows, so there is no padding and no
mask.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

SHAPES = {
    # length: tokens per text, and positions
    "small": dict(L=12, C=256, H=4, F=1024, E=128, length=128),
    "tiny": dict(L=2, C=64, H=4, F=128, E=32, length=32),
}
EPS = 1e-12
WEIGHT = 50.0  # of the discriminator's loss


class Group(nn.Module):
    """A name in front of others: Group(dense=..., LayerNorm=...)."""

    def __init__(self, /, **modules):
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


class Embeddings(nn.Module):
    def __init__(self, V, shape, dropout):
        super().__init__()
        self.word_embeddings = nn.Embedding(V, shape["E"])
        self.position_embeddings = nn.Embedding(shape["length"], shape["E"])
        self.token_type_embeddings = nn.Embedding(2, shape["E"])
        self.LayerNorm = nn.LayerNorm(shape["E"], eps=EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, types):
        x = self.word_embeddings(ids) + self.token_type_embeddings(types)
        x = x + self.position_embeddings.weight[: ids.shape[1]]
        return self.dropout(self.LayerNorm(x))


def attend(q, k, v, dropout):
    """softmax(q k^T / sqrt(D)) v, fused where PyTorch knows how."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
    p = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1)
    return F.dropout(p, dropout, training=dropout > 0) @ v


class Layer(nn.Module):
    def __init__(self, C, H, inner, dropout):
        super().__init__()
        self.H, self.p = H, dropout
        self.attention = Group(
            self=Group(query=nn.Linear(C, C), key=nn.Linear(C, C), value=nn.Linear(C, C)),
            output=Group(dense=nn.Linear(C, C), LayerNorm=nn.LayerNorm(C, eps=EPS)))
        self.intermediate = Group(dense=nn.Linear(C, inner))
        self.output = Group(dense=nn.Linear(inner, C), LayerNorm=nn.LayerNorm(C, eps=EPS))

    def forward(self, x):
        B, T, C = x.shape
        p = self.p if self.training else 0.0
        a, out = self.attention.self, self.attention.output
        q, k, v = (m(x).view(B, T, self.H, C // self.H).transpose(1, 2)
                   for m in (a.query, a.key, a.value))
        y = attend(q, k, v, p).transpose(1, 2).reshape(B, T, C)
        x = out.LayerNorm(x + F.dropout(out.dense(y), p, self.training))
        y = self.output.dense(F.gelu(self.intermediate.dense(x)))
        return self.output.LayerNorm(x + F.dropout(y, p, self.training))


class Body(nn.Module):
    """Everything behind the embeddings."""

    def __init__(self, E, C, H, inner, L, dropout):
        super().__init__()
        self.embeddings_project = nn.Linear(E, C) if E != C else None
        self.encoder = Group(layer=nn.ModuleList(
            Layer(C, H, inner, dropout) for _ in range(L)))

    def forward(self, x, keep=None):
        """keep: a list that receives the states before the first and after each layer."""
        if self.embeddings_project is not None:
            x = self.embeddings_project(x)
        if keep is not None:
            keep.append(x)
        for layer in self.encoder.layer:
            x = layer(x)
            if keep is not None:
                keep.append(x)
        return x


class Pretrainer(nn.Module):
    """Generator and discriminator.  The generator is a quarter as wide and shares
    word, position and type embeddings; its output matrix is the word embeddings."""

    def __init__(self, V, shape, dropout=0.1):
        super().__init__()
        C, H, E = shape["C"], shape["H"], shape["E"]
        self.embeddings = Embeddings(V, shape, dropout)
        self.body = Body(E, C, H, shape["F"], shape["L"], dropout)
        self.discriminator_predictions = Group(dense=nn.Linear(C, C),
                                               dense_prediction=nn.Linear(C, 1))
        self.generator = Body(E, C // 4, max(1, H // 4), shape["F"] // 4, shape["L"],
                              dropout)
        self.generator_predictions = Group(dense=nn.Linear(C // 4, E),
                                           LayerNorm=nn.LayerNorm(E, eps=EPS))
        self.generator_bias = nn.Parameter(torch.zeros(V))
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def guess(self, ids, types, places):
        """Logits [B,k,V] of the generator at places [B,k]."""
        x = self.generator(self.embeddings(ids, types))
        x = torch.gather(x, 1, places[:, :, None].expand(-1, -1, x.shape[2]))
        head = self.generator_predictions
        x = head.LayerNorm(F.gelu(head.dense(x)))
        return F.linear(x, self.embeddings.word_embeddings.weight, self.generator_bias)

    def judge(self, ids, types):
        """Logits [B,T]: was the token replaced?"""
        x = self.body(self.embeddings(ids, types))
        head = self.discriminator_predictions
        return head.dense_prediction(F.gelu(head.dense(x))).squeeze(2)

    def forward(self, ids, types, n_special, mask_id, share=0.15, weight=WEIGHT):
        """One step's loss and what is told about it.  Ids below n_special are never
        chosen; 85 % of the chosen become [MASK], the others stay."""
        B, T = ids.shape
        k = max(1, int(share * T))
        chance = torch.rand(B, T, device=ids.device)
        places = chance.masked_fill(ids < n_special, -1.0).topk(k, dim=1).indices
        original = ids.gather(1, places)
        hidden = torch.rand(B, k, device=ids.device) < 0.85
        masked = ids.scatter(1, places, original.masked_fill(hidden, mask_id))
        logits = self.guess(masked, types, places).float()
        generator_loss = F.cross_entropy(logits.flatten(0, 1), original.flatten())
        with torch.no_grad():
            # argmax(logits - log(-log u)) is a sample of the softmax
            u = torch.rand_like(logits).clamp_(1e-9, 1 - 1e-7)
            sampled = (logits - torch.log(-torch.log(u))).argmax(2)
            corrupt = ids.scatter(1, places, sampled)
            replaced = corrupt != ids
        verdict = self.judge(corrupt, types).float()
        discriminator_loss = F.binary_cross_entropy_with_logits(verdict, replaced.float())
        with torch.no_grad():
            right = (verdict > 0) == replaced
            told = torch.stack([
                generator_loss, discriminator_loss,
                (logits.argmax(2) == original).float().mean(),
                right.float().mean(), replaced.float().mean(),
                (right & replaced).float().mean()])
        return generator_loss + weight * discriminator_loss, told


# What `told` holds.
TOLD = ("generator_loss", "discriminator_loss", "generator_accuracy", "accuracy",
        "replaced_share", "replaced_found_share")


def discriminator_tensors(model):
    """Names of the file -> tensors: the backbone and the head of pretraining."""
    tensors = {}
    for prefix, module in (("electra.embeddings.", model.embeddings),
                           ("electra.", model.body),
                           ("discriminator_predictions.", model.discriminator_predictions)):
        for name, value in module.state_dict().items():
            tensors[prefix + name] = value
    return tensors


def config(V, shape, dropout):
    """config.json of the discriminator."""
    return {
        "architectures": ["ElectraForPreTraining"], "model_type": "electra",
        "vocab_size": V, "embedding_size": shape["E"], "hidden_size": shape["C"],
        "num_hidden_layers": shape["L"], "num_attention_heads": shape["H"],
        "intermediate_size": shape["F"], "hidden_act": "gelu",
        "hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout,
        "max_position_embeddings": shape["length"], "type_vocab_size": 2,
        "initializer_range": 0.02, "layer_norm_eps": EPS, "pad_token_id": 0,
        "torch_dtype": "float16",
    }


def shape_of(config):
    """The other way round."""
    return dict(L=config["num_hidden_layers"], C=config["hidden_size"],
                H=config["num_attention_heads"], F=config["intermediate_size"],
                E=config["embedding_size"], length=config["max_position_embeddings"])
