namespace Bulkhead.Scheduling;

/// <summary>Round robin: first come, first served, and to the tail when the slice is used up.</summary>
/// <remarks>
/// <para>Who is kept from running by others than those of the ring keeps place and slice. So from when a vCPU enters until it
/// is dispatched, each other of the ring runs for at most one slice and one overrun: those before it do so and go
/// behind it, those that enter later are behind it from the start.</para>
/// <para><i>Cost</i>: the order is a number, so that nothing is moved and nothing allocated.</para>
/// </remarks>
internal struct Ring(long sliceNs)
{
    private long _next;

    /// <summary>Puts one last, with a whole slice.</summary>
    public void ToTail(ref RingPlace place) => place = new RingPlace(_next++, sliceNs);

    /// <summary>Charges a run to the slice.</summary>
    public void Charge(ref RingPlace place, long ranNs)
    {
        if (ranNs < place.LeftNs)
        {
            place = place with { LeftNs = place.LeftNs - ranNs };
        }
        else
        {
            ToTail(ref place);
        }
    }
}
