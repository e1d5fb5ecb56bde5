using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Channels;

/// <summary>Memory that some domains share, and doorbells between them.</summary>
/// <remarks>
/// <para>A member is known by its number, the order in which the system names them. Whether it may write, and whom it may ring, is
/// declared; what is revoked is gone until it is granted again.</para>
/// <para><i>Threading</i>: any. Its memory outlives the domains; the creator disposes it after them.</para>
/// </remarks>
public sealed class Channel : IDisposable
{
    private readonly ChannelMember[] _members;

    /// <summary>Makes one with zeroed memory.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="sizeBytes">A power of two, at least a page.</param>
    /// <param name="vectors">How many doorbells each member has; 0: memory only.</param>
    /// <param name="mayWrite">For each member, whether it may write to the memory.</param>
    public Channel(string name, ulong sizeBytes, int vectors, params ReadOnlySpan<bool> mayWrite)
    {
        Name = name;
        Vectors = vectors;
        Memory = SharedMemory.Create(name, sizeBytes);
        _members = new ChannelMember[mayWrite.Length];
        for (int i = 0; i < _members.Length; i++)
        {
            _members[i] = new ChannelMember(this, i, mayWrite[i]);
        }
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>How many doorbells each member has.</summary>
    public int Vectors { get; }

    /// <summary>What is shared.</summary>
    public SharedMemory Memory { get; }

    /// <summary>The members by number.</summary>
    public IReadOnlyList<ChannelMember> Members => _members;

    /// <inheritdoc/>
    public void Dispose() => Memory.Dispose();

    /// <summary>Rings a member, if there is such a one and it listens.</summary>
    internal bool Ring(int member, int vector) => (uint)member < (uint)_members.Length && vector < Vectors && _members[member].Take(vector);
}
