"""From a marketing export file to a line on a pay slip, in one live, honest chain.

The chain, one module a link: ``ingest`` (export file to facts), ``facts`` (several files become
one cube; which source speaks), ``kpis`` (measures to KPI values), ``score`` (value to attainment
to score), ``pay`` (score to coefficient to money). ``drivers`` asks "what if" of the whole chain.
"""

__version__ = "0.1.0"
