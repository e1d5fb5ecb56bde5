namespace Bulkhead.Host.Threads;

/// <summary>What is waited for at a file descriptor, as poll(2) numbers it.</summary>
[Flags]
public enum PollEvents : short
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>There is something to read, or the end.</summary>
    Readable = 1,

    /// <summary>Something can be written.</summary>
    Writable = 4,

    /// <summary>It failed. Told whether asked for or not.</summary>
    Failed = 8,

    /// <summary>The other end neither sends nor receives any more. Told whether asked for or not.</summary>
    HungUp = 16,
}
