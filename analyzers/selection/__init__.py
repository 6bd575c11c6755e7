"""What part of a trace somebody asks for."""
