"""The classification networks that FCNs grow from: VGG16, AlexNet, GoogLeNet, SqueezeNet, and a tiny VGG for laptops."""
