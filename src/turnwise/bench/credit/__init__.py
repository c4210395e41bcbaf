"""The credit benchmark: every rule's credit against the exact advantage, in worlds small enough for it.

Source: specs/credit/README ("CREDIT BENCHMARK").
"""
