"""From a trained model's answers to grades, and from grades to what they show."""
