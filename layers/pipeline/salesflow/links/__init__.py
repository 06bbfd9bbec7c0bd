"""Links in mails: what each is good for, how it is signed, and the plain pages that answer it."""
