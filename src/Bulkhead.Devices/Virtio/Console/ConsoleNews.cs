namespace Bulkhead.Devices.Virtio.Console;

/// <summary>What a guest is still to be told of a port. That somebody of the host is there, or not any more, is found by itself.</summary>
[Flags]
internal enum ConsoleNews : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>There is the port.</summary>
    Added = 1,

    /// <summary>It is a console.</summary>
    IsConsole = 2,

    /// <summary>How large that is.</summary>
    Size = 4,

    /// <summary>What it is called.</summary>
    Name = 8,
}
