"""When things happen: the tick, the jobs that join rooms, delivery, the engines."""
