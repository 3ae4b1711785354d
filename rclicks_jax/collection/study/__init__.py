"""What a study is: its folder, its settings, texts and platforms, its secret."""
