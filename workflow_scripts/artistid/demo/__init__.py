"""The demo corpus: synthesised music, so that the whole workflow runs without a download.

`instruments` makes single notes and drum hits, `composition` writes songs in an artist's style,
`production` masters an album, `recordings` puts them together and writes mp3 files.
"""
