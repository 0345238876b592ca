"""MQTT brokers for tests."""
