"""What each chapter asks and how it is judged, a module per chapter: its `EXERCISES`, in the order of the text.

Open `reading` first, the plainest; `shared` has the thoughts that checks ask about. The text of the chapters lies in
`tutorials/`.
"""
