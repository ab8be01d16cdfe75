"""Findings in, pages out: plain words, the terminal, Markdown, HTML, JSON, CSV, JUnit.

Everything here reads a finished `voirdire.harness.findings.Audit` and computes no statistics. Judged text is attacker
text: each renderer makes it inert in its own way, after `text.visible` has made its invisible characters visible.

    formatting, phrases, words   numbers and findings as plain language
    selection                    what comes first, which examples are shown, their anchors
    text                         visible control characters, the marked edit, cutting long texts
    terminal, markdown, html     the three renderers
    pages, charts, panels        what an HTML page is made of: its frame and policy, pictures as numbers, tables
    glossary                     the terms of a report in plain words
    schema, examples             the documents `audit.json` and `examples.jsonl`
    card                         the judge card: what to publish with a judge
    tables, calls, parquet       exports: CSV of findings and slices, call records row by row, Parquet
    write                        writing and reading a run's folder

Nothing is imported here, so that a door which needs one renderer does not pay for the others.
"""
