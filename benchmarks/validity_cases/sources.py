"""The publications that the cases come from."""

from __future__ import annotations

ARROW = (
    "K. J. Arrow, An extension of the basic theorems of classical welfare economics, Proceedings "
    "of the Second Berkeley Symposium on Mathematical Statistics and Probability, 1951"
)
ARROW_HURWICZ = (
    "K. J. Arrow, L. Hurwicz, On the stability of the competitive equilibrium I, Econometrica 26, "
    "1958"
)
CHATTERJEE_SAMUELSON = (
    "K. Chatterjee, W. Samuelson, Bargaining under incomplete information, Operations Research "
    "31, 1983"
)
DEBREU_SCARF = (
    "G. Debreu, H. Scarf, A limit theorem on the core of an economy, International Economic "
    "Review 4, 1963"
)
EDGEWORTH = "F. Y. Edgeworth, Mathematical Psychics, 1881"
FELDMAN = (
    "A. M. Feldman, Bilateral trading processes, pairwise optimality, and Pareto optimality, "
    "Review of Economic Studies 40, 1973"
)
GODE_SUNDER = (
    "D. K. Gode, S. Sunder, Allocative efficiency of markets with zero-intelligence traders: "
    "market as a partial substitute for individual rationality, Journal of Political Economy "
    "101, 1993"
)
KALAI_SMORODINSKY = (
    "E. Kalai, M. Smorodinsky, Other solutions to Nash's bargaining problem, Econometrica 43, 1975"
)
KEHOE = (
    "T. J. Kehoe, Computation and multiplicity of equilibria, Handbook of Mathematical Economics "
    "4, 1991"
)
MCAFEE = "R. P. McAfee, A dominant strategy double auction, Journal of Economic Theory 56, 1992"
MYERSON_SATTERTHWAITE = (
    "R. B. Myerson, M. A. Satterthwaite, Efficient mechanisms for bilateral trading, Journal of "
    "Economic Theory 29, 1983"
)
NASH = "J. F. Nash, The bargaining problem, Econometrica 18, 1950"
SCARF = (
    "H. Scarf, Some examples of global instability of the competitive equilibrium, International "
    "Economic Review 1, 1960"
)
SMITH = (
    "V. L. Smith, An experimental study of competitive market behavior, Journal of Political "
    "Economy 70, 1962"
)
WALRAS = "L. Walras, Éléments d'économie politique pure, 1874"
CLOSED_FORM = "closed form"
