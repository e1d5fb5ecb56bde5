namespace Bulkhead.Devices.Virtio;

/// <summary>A device's configuration as its driver reads it: by parts.</summary>
internal static class DeviceConfig
{
    /// <summary>Copies from an offset on; bytes behind the end are 0.</summary>
    internal static void Read(ReadOnlySpan<byte> config, int offset, Span<byte> data)
    {
        data.Clear();
        if (offset < config.Length)
        {
            config[offset..Math.Min(offset + data.Length, config.Length)].CopyTo(data);
        }
    }
}
