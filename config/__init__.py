"""What an installation is: settings, database, people, secrets, clock; and the records every room writes."""
