using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>The operator's end of a guest's first serial port.</summary>
/// <remarks><i>Threading</i>: <see cref="Write"/> on vCPU threads, the rest on the control thread. The creator disposes it
/// after the machine.</remarks>
internal interface ISerialEnd : IDisposable
{
    /// <summary>Takes the guest's output.</summary>
    void Write(ReadOnlySpan<byte> data);

    /// <summary>Connects the guest that takes input.</summary>
    void Attach(Domain domain);

    /// <summary>Lets go of the guest, before anything else is printed.</summary>
    void Close();
}
