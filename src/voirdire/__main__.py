"""`python -m voirdire`."""

from voirdire.cli import main

if __name__ == "__main__":
    main()
