"""Where media comes from: signed manifests (C2PA), marks, labels and a public log.

`verify` tells what a file declares and whether that holds, in numbered steps and one of five states; `second_opinion`
asks a reader of our own the same; `sign` writes manifests, `certs`, `token` and `trust` keep the keys and whom to
believe; `rubrics` names the kind of asset; `remote` fetches manifests where that is allowed. `marks` hides an id in the
content that leads back to its manifest (`durable`, `recover`) when that was stripped, `labels` writes what the law
asks for, `ledger` keeps a log that cannot be rewritten unseen. docs/provenance.md says what each can and cannot show.

Nothing is imported here: each of these is, when it is asked for, and a verification starts in a fraction of a second.
"""
